"""Published systems, one a file: their stages at paper scale and at embedded scale."""
