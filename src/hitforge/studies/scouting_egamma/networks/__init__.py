"""Networks on 5 x 5 images and tables."""
