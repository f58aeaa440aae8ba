"""Office workflows: notices and contacts; submissions, activities, consultations, complaints to come."""
