"""What a launch asks for -> the fewest searches that are missing."""
