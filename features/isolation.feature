Feature: One order's or one customer's trouble is nobody else's
  What cannot be handled waits by itself, is shown to those who can help, and comes back whole.

  @promise-19 @needs-the-stores @needs-an-environment-to-spoil
  Scenario: A poisoned order does not delay the others
    Given an order that is visible at version 1
    And its next event can be read by nobody
    When 6 orders live their life
    Then within 15 seconds every accepted command is visible in the read model
    And every confirmed order is shipped
    But the customer of the poisoned order is told that it is parked at version 1
    When its event is put right and the order is repaired
    Then within 10 seconds its customer is shown version 2

  @promise-20 @needs-lost-answers
  Scenario: Dead letters redriven in any order lose and repeat nothing
    Given fulfilment cannot reach its table
    When 6 orders live their life
    And everything for fulfilment has become a dead letter
    And fulfilment can reach its table again
    And the dead letters are redriven one by one in any order, and some are there twice
    Then no dead letter is left
    And every public event is in the ledger once
    And every confirmed order is shipped

  @promise-21 @needs-lost-answers
  Scenario: A stream stalled towards its retention raises an alarm first
    Given the relay cannot reach the log
    When a customer places an order
    Then an alarm about the relay is raised and told to whoever listens
    And each reader of a stream has one, raised long before a record is given up or expires
    When the relay can reach the log again
    Then within 30 seconds the order is visible and the relay has caught up

  @promise-22
  Scenario: A customer never reads or changes another's order
    Given an order that is visible at version 1
    When another customer asks for it in every way that there is
    Then each answer is the one to an order that does not exist
    When somebody without a valid token asks in every way that there is
    Then each answer is that a token is needed
    And its history holds 1 version without a gap
