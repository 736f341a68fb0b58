-- The second testing.database of a directory is a copy of the first one's image, which the authorizer refused to attach.
local testing = require "rille.testing"

describe("testing.database", function()
  it("hands out migrated databases that know nothing of each other", function()
    local first, second = testing.database "app/migrations", testing.database "app/migrations"
    local count = second:value "SELECT count(*) FROM posts"
    first:exec "INSERT INTO posts (title, text, owner, editor) VALUES ('t', 'x', 'o', 'o')"
    assert.equal(0, count)
    assert.equal(0, (second:value "SELECT count(*) FROM posts"))
    second:exec "CREATE TABLE more (x)"
    assert.equal(0, (second:value "SELECT count(*) FROM more"))
    assert.error_matches(function() second:exec "ATTACH 'x' AS y" end, "not for statements")
  end)
end)
