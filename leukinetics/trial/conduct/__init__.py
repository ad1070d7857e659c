"""The conduct of a trial: what patients are given, by which rules that changes, when they leave.

For each row (a person in an arm):

1. Doses as planned, less those missed (:mod:`.adherence`), are the courses ``D_0``; simulated they give ``x_0(t)``.
2. With ``x_i`` at hand, ``L_i`` is the time of leaving (:mod:`.dropout`, or one minute after a rule with ``leaves``)
   and ``t_r`` for each rule r that has not fired the first visit before ``L_i`` at which its criterion has held for
   ``consecutive`` visits (:mod:`.rules`). The rules with the smallest ``t = min_r t_r`` fire, in the order of the
   protocol; they make ``D_(i+1)`` of ``D_i`` by what is due at or after ``t`` alone.
3. Rows whose doses are others now are simulated again from the start; ``x_(i+1)`` is ``x_i`` up to ``t`` and the new
   course after it. Then 2 again, until nothing fires. Each rule fires once at most, so this ends.

It is causal without restarting the solver on the way. Up to ``t`` both courses have the same doses (those of a visit
are given a minute after its sample), so they differ by the solver's tolerance alone; taking the old values there
makes them equal to the bit. So no rule that did not fire before ``t`` can do so afterwards, nor can a patient have left
before ``t`` after all, and what was decided is never looked at again.

Rules and dropout see what the trial's laboratory reads (:mod:`.readings`): the very number that an endpoint with noise
has of that person, time and observable. A rule fires on noise as it would at the bedside: with a criterion that a
patient's true value just fails, the error of the assay and the day meet it sooner or later, the more visits, the
surer; ``consecutive`` visits make that rarer. Firing selects high (or low) readings, so the next ones regress towards
the truth whatever was done. Where there is no assay true values are read.

Everything random is by (seed, person, name): a row does not depend on what other rows are treated with it.
"""

from leukinetics.trial.conduct.treating import Treated, treat

__all__ = ["Treated", "treat"]
