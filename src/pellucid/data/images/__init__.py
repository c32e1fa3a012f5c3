"""Folders of images by class, their pixels, and the changes that augment them."""
