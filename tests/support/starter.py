"""What tests know of the shipped model without opening it."""

STARTER_NAME = "starter-v7"
