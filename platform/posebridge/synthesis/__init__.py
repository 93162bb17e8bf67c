"""People and scenes from code: body, poses, renderer. Needs neither torch nor ray."""
