"""Documents as PDF: what is printed in a warehouse, put into a parcel, or handed to a buyer.

`contracts` has a frozen value for each document, `api.render` and `api.render_many` make PDFs of them. README.md says how.
"""
