"""Files of a new driver, made from templates: values in, texts out."""
