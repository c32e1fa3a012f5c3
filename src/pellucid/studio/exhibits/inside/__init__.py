"""Inside an image network: feature maps, how each is made, every product of a unit, what the answer rests on."""
