Feature: Appending to an order's history
  Devices act at the same time, and answers get lost on their way. The history of an order
  holds each accepted command once, one after the other.

  @promise-1 @needs-lost-answers
  Scenario: Only one of many concurrent appends wins
    Given an order at version 3
    And 9 devices of its customer are in use
    And the event store takes half a second for each append
    When a third of them pay a part, a third pay all and a third cancel at once, each at version 3
    Then exactly one is accepted
    And the others are told that the order has moved on
    And of them all its history holds the accepted command alone, without a gap
    And every public event is in the ledger once
    And several appends were really under way at once

  @promise-2 @needs-lost-answers
  Scenario: Every order's history is linearizable under mixed load
    Given some answers of the event store to appends are lost, and some are late
    When 3 customers use 2 devices each, for commands and reads of all sorts
    Then what the devices were told is linearizable
    And commands met conflicts among it, and were repeated

  @promise-3 @needs-lost-answers
  Scenario Outline: A lost answer is recognised as committed
    Given an order at version 2
    And the event store's answer to the next append is lost <times>
    When its customer pays a part
    Then the customer is told that the payment made version 3
    And its history holds 3 versions without a gap
    And the payment stands in its history once

    Examples:
      | times   |
      | once    |
      | 4 times |

  @promise-3 @needs-lost-answers
  Scenario: What happened to an append without any answer is cleared up by repeating the command
    Given an order at version 2
    And the event store's answer to the next append is always lost
    When its customer pays a part
    Then the customer is told that the outcome is unknown
    When answers arrive again
    And the customer sends the same command with the same Idempotency-Key again
    Then the customer is told that the payment made version 3
    And the payment stands in its history once

  @promise-4 @needs-lost-answers
  Scenario Outline: Several events of one command are all or nothing
    Given an order that is visible at version 1
    And its next append <accident>
    When its customer pays all of it, while other devices look at it all the time
    Then every look shows the payment and the confirmation, or neither
    And they stand in its history once, in one commit

    Examples:
      | accident                           |
      | is late                            |
      | never leaves its function          |
      | is the last that its function does |

  @promise-5
  Scenario: The same Idempotency-Key gives the same answer and one effect
    Given an order at version 2
    When its customer sends the same payment 3 times with one Idempotency-Key
    Then every answer is the same
    And its history holds 3 versions without a gap
    When another payment is accepted
    And the customer sends the same command with the same Idempotency-Key again
    Then every answer is the same
    And its history holds 4 versions without a gap
    When the customer sends another payment with that Idempotency-Key
    Then it is refused, because the key belongs to another command
    And its history holds 4 versions without a gap

  @promise-5
  Scenario: Placing an order twice with the same Idempotency-Key makes one order
    Given a customer
    When the customer sends the same order 5 times at once with one Idempotency-Key
    Then every answer is the same
    And its history holds 1 version without a gap
    And the customer has one order
