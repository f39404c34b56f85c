echo hello > greeting; cat_file greeting nowhere
