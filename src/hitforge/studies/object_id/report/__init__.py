"""Tables, figures and text of object_id."""
