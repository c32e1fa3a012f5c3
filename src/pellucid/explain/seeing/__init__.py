"""What a trained network looks at and what its layers see."""
