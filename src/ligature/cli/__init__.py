"""The command line: one thin module a stage, files in and files out."""
