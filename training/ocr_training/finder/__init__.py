"""Training of the line finder: made pages and scenes, what to find on them, and the loop."""
