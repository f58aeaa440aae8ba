"""Office workflows: notices today; contacts, submissions, activities, consultations, complaints to come."""
