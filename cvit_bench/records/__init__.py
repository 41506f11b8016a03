"""What flows: frozen, validated records and the files they live in."""
