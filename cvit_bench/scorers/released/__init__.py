"""Twins of the strict scorers that judge as the published scripts do, bug for bug; one file a rule."""
