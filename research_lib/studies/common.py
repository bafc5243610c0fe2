"""Another name of what `study` has, until its users take it from there."""

from research_lib.studies.study import MISSING as MISSING
from research_lib.studies.study import Find as Find
from research_lib.studies.study import require_sessions as require_sessions
