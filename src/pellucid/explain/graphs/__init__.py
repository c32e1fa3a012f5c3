"""The computation graph of the real model."""
