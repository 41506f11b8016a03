"""What a method adds to the loop beyond its adapter and schedule."""
