"""Whole pages: their lines, which way up they are, and how lines become a text."""
