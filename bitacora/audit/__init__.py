"""What the stores hold, compared: the event store is the truth, everything else follows from it.

`consistency` judges one observation held in memory, with rules of its own: what scenarios and load
runs wait for. `store_audit` goes through stores of any size, with the service's own fold, contract
by contract: what `bitacora audit` reports. Both check histories by `chain`.
"""
