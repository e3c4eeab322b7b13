Feature: What happened can be proved
  History is what was stored when it happened, by whom and why. Who changes it is found out.
  What is personal in it ends with a key.

  @promise-27 @needs-the-stores
  Scenario Outline: Deleting or altering any stored event is detected
    Given an order that was paid in parts, confirmed and shipped
    And the heads of all streams are anchored
    When <change>
    Then the audit finds <finding> in its stream
    And the relay keeps what was there before
    When what was stored is put back
    Then the audit of its stream finds nothing any more

    Examples:
      | change                                           | finding         |
      | an amount in a stored event is changed           | altered-commit  |
      | somebody else is named as the one who acted      | altered-commit  |
      | a commit in the middle is deleted                | gap             |
      | the last commit is deleted                       | cut-off         |
      | the whole stream is deleted                      | removed-stream  |
      | an event is changed and the hashes computed anew | anchor-mismatch |

  @promise-28
  Scenario: Every effect traces back by causation to its command
    Given an order that was paid in parts, confirmed and shipped
    Then each of its commits names the command that it came from, and who asked for it
    And each public event in the ledger names its commit, and the command that caused it
    And the shipment names the event that caused it, and the commit that records it names the shipment
    And all of it carries what identifies the request that it came from

  @promise-29 @needs-the-stores
  Scenario: After an erasure no personal value is recoverable, and replay works
    Given a customer whose order was shipped to an address of their own
    And a message about it lies in a dead-letter queue, and support has looked at it
    Then however they ask, their order is shown with its address
    When the customer has their personal data erased
    Then they are told that it is erased
    And however they ask, their order is shown without an address
    When every store, log, queue, bucket and file is searched
    Then no personal value of theirs is found, nor their key
    And the order is found in each kind of place
    And a read model that is rebuilt from the events equals the live one
    And the audit finds nothing in the streams of the customer and the order
    When the customer orders again, to that address
    Then the new order is shown with it, and the old one without

  @promise-29 @needs-lost-answers
  Scenario: An erasure that was interrupted is finished
    Given a customer whose order was shipped to an address of their own
    And the function that erases ends before it has destroyed the key
    When the customer has their personal data erased
    Then they are not told that it is erased
    And within 30 seconds the key is destroyed, though nobody asks again
    And however they ask, their order is shown without an address

  @promise-30 @needs-the-processes
  Scenario: Clock skew changes no order
    Given the clocks of the functions are wrong, by up to 4 minutes, each in its own way
    When 6 orders live their life
    Then within 30 seconds every accepted command is visible in the read model
    And in each history versions follow each other, and time does not run backwards
    And every public event is in the ledger once
    And every confirmed order is shipped
