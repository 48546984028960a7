"""The REST service and its web pages, over `OCRClient`. It needs the extra `[gateway]`."""
