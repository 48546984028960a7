"""Labelled images of five kinds, for `ocrctl ab-test`, of words and faces that training never sees.

The only part of this package that imports `ocr_training`.
"""
