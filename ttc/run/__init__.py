"""Searches side by side: one search's session, its rows, shards, the runner without Ray."""
