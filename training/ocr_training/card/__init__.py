"""What a published version reads, and how sure it is: measured on the model file that serves."""
