"""Do requests for codes take the same time for numbers with an account and for those without?"""
