"""Tasks (统一待办): what people and units have to do, opened by any feature or service.

A task is for one person, one unit, or every unit that a dispatch addresses. One row describes it. A *share*
says how far the person or the unit has come with it: it exists from the start for a person or a unit, and
from the first action for an addressed unit. So a dispatch to 500,000 units costs one row.
"""
