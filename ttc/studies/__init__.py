"""Questions asked of a results folder."""
