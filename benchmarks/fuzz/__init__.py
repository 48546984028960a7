"""Inputs that strangers control, spoilt on purpose: no crash, no hang, no memory beyond a limit."""
