"""What is seen beside the picture: docks, the forms in them, and the parts that they share."""
