"""What is generated from the declarations: samples, XSD, schema of merchant files, Markdown."""
