"""Hand-over of the open work of people who leave a unit."""
