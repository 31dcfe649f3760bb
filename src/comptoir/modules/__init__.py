"""The business, one package per module; entered through its api, contracts and errors alone."""
