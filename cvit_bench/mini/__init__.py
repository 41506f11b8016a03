"""The embedded suite: small real images, the recipes that make them, and a small base that can learn them."""
