"""`ocrctl`: one module for each verb of this package."""
