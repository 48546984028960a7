"""Each module has a `router` of its own; `ocr_gateway.app` puts them together."""
