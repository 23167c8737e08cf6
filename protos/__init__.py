"""The contracts between the services, and the code that is generated from them."""
