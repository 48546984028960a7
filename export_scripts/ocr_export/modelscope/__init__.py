"""Recognisers of ModelScope: `damo/cv_crnn_ocr-recognition-general_damo` and
`damo/cv_convnextTiny_ocr-recognition-general_damo`.

Layers, names of weights and preprocessing are facts of modelscope/modelscope,
`modelscope/models/cv/ocr_recognition`; the code is ours (see docs/decisions/modelscope.md).
"""
