"""search-and-learn: its runs, its votes, its quirks."""
