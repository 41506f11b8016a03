"""What a method does besides tuning its adapter: one file a hook."""
