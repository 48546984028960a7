"""Evidence for a decision: two arms on the same images, with how sure one can be."""
