"""`python -m ocr_client.cli` is `ocrctl`."""

from .app import main

main()
