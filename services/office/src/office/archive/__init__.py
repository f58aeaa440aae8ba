"""Archive: an operator moves the receipts and answers of an old year of notices out of the database.

They are written to a folder with the files of the answers, which is verified and can be read back; the sums
of coverage stay in the database.
"""
