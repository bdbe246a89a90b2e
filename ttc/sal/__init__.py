"""search-and-learn: its searches, its runs, its votes, its quirks."""
