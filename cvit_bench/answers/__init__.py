"""What an answer says: names, numbers, tokens and n-grams in it. Scorers read answers with these."""
