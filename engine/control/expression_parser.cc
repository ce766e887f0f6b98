// Reads conditions: precedence climbing over the operators of expr-lang (expr/parser/operator/operator.go).
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "engine/control/expression_node.h"

namespace fairlead::control {
namespace {

using Node = ExpressionNode;

struct Token {
  enum class Kind : std::uint8_t { kEnd, kNumber, kString, kName, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;
  std::uint32_t column = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) {
  return is_digit(c) || c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Splits a condition into tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r'))) ++at_;
    Token token;
    token.column = static_cast<std::uint32_t>(at_ + 1);
    if (at_ >= text_.size()) return token;
    const char c = text_[at_];
    if (c == '\'' || c == '"') return string(token);
    if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return number(token);
    if (is_name_char(c)) return name(token);
    return symbol(token);
  }

 private:
  Result<Token> string(Token token) {
    const char quote = text_[at_++];
    token.kind = Token::Kind::kString;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\') {
        if (at_ >= text_.size()) break;
        c = text_[at_++];
        constexpr std::string_view kFrom = "nrt\\'\"";
        constexpr std::string_view kTo = "\n\r\t\\'\"";
        const auto which = kFrom.find(c);
        if (which == std::string_view::npos)
          return std::unexpected(expression_error(static_cast<std::uint32_t>(at_ - 1),
                                                  fmt::format("the escape \\{} is not supported", c)));
        c = kTo[which];
      }
      token.text += c;
    }
    if (at_ >= text_.size()) return std::unexpected(expression_error(token.column, "this text has no closing quote"));
    ++at_;
    return token;
  }

  Result<Token> number(Token token) {
    token.kind = Token::Kind::kNumber;
    const std::size_t start = at_;
    const auto digits = [&] {
      while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '_')) ++at_;
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      digits();
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      digits();
    }
    if (at_ < text_.size() && is_name_char(text_[at_]))
      return std::unexpected(
          expression_error(token.column, "this number is not decimal; only decimal numbers are supported"));
    token.text = text_.substr(start, at_ - start);
    std::erase(token.text, '_');
    return token;
  }

  Result<Token> name(Token token) {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    token.text = text_.substr(start, at_ - start);
    token.kind = Token::Kind::kName;
    // The words among the operators are symbols from here on.
    if (token.text == "and" || token.text == "or" || token.text == "not" || token.text == "in") {
      token.kind = Token::Kind::kSymbol;
      if (token.text == "and") token.text = "&&";
      if (token.text == "or") token.text = "||";
    }
    return token;
  }

  Result<Token> symbol(Token token) {
    constexpr std::array<std::string_view, 22> kSymbols = {"**", "==", "!=", "<=", ">=", "&&", "||", "+",
                                                           "-",  "*",  "/",  "%",  "^",  "<",  ">",  "!",
                                                           "?",  ":",  "(",  ")",  ",",  "#"};
    constexpr std::string_view kBrackets = "[]{}";
    const std::string_view rest = text_.substr(at_);
    constexpr std::array<std::string_view, 5> kForeign = {"??", "?.", "//", "/*", "::"};
    const bool foreign = std::ranges::any_of(kForeign, [&](std::string_view s) { return rest.starts_with(s); });
    const auto found = std::ranges::find_if(kSymbols, [&](std::string_view s) { return rest.starts_with(s); });
    token.kind = Token::Kind::kSymbol;
    if (!foreign && found != kSymbols.end()) {
      token.text = *found;
    } else if (!foreign && kBrackets.contains(rest.front())) {
      token.text = rest.front();
    } else {
      return std::unexpected(expression_error(
          token.column, fmt::format("\"{}\" is not supported in conditions", rest.substr(0, foreign ? 2 : 1))));
    }
    at_ += token.text.size();
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Operator {
  std::string_view symbol;
  int precedence;
};
constexpr std::array<Operator, 17> kBinary = {{{"||", 10},
                                               {"&&", 15},
                                               {"==", 20},
                                               {"!=", 20},
                                               {"<", 20},
                                               {">", 20},
                                               {">=", 20},
                                               {"<=", 20},
                                               {"in", 20},
                                               {"+", 30},
                                               {"-", 30},
                                               {"*", 60},
                                               {"/", 60},
                                               {"%", 60},
                                               {"**", 100},
                                               {"^", 100},
                                               {"not", 20}}};
constexpr std::array<Operator, 4> kUnary = {{{"not", 50}, {"!", 50}, {"-", 90}, {"+", 90}}};

template <std::size_t N>
std::optional<int> precedence_of(const std::array<Operator, N>& table, std::string_view symbol) {
  const auto found = std::ranges::find(table, symbol, &Operator::symbol);
  return found == table.end() ? std::nullopt : std::optional(found->precedence);
}

bool is_order(std::string_view symbol) { return symbol == "<" || symbol == ">" || symbol == "<=" || symbol == ">="; }

struct Function {
  std::string_view name;
  std::size_t arguments;
  bool predicate;
};
constexpr std::array<Function, 13> kFunctions = {{{"len", 1, false},
                                                  {"isNaN", 1, false},
                                                  {"isInf", 1, false},
                                                  {"isNil", 1, false},
                                                  {"asInt", 1, false},
                                                  {"asFloat", 1, false},
                                                  {"default", 2, false},
                                                  {"all", 2, true},
                                                  {"any", 2, true},
                                                  {"none", 2, true},
                                                  {"one", 2, true},
                                                  {"filter", 2, true},
                                                  {"count", 2, true}}};

/// Upstream turns integer literals into floats where a function wants a float (expr/checker: checkArguments).
void literals_to_float(Node& node) {
  if (node.kind == Node::Kind::kLiteral && node.literal.is_int()) node.literal = Value(node.literal.number_or(0));
  const bool arithmetic =
      node.kind == Node::Kind::kBinary && (node.text == "+" || node.text == "-" || node.text == "*");
  if (arithmetic || node.kind == Node::Kind::kUnary)
    for (Node& child : node.children) literals_to_float(child);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Node> parse() {
    if (auto r = advance(); !r) return std::unexpected(r.error());
    auto root = expression(0);
    if (root && token_.kind != Token::Kind::kEnd) return unexpected_token();
    return root;
  }

 private:
  Result<> advance() {
    auto token = lexer_.next();
    if (!token) return std::unexpected(token.error());
    token_ = std::move(*token);
    return {};
  }
  [[nodiscard]] bool is(std::string_view symbol) const {
    return token_.kind == Token::Kind::kSymbol && token_.text == symbol;
  }
  [[nodiscard]] std::unexpected<Error> unexpected_token() const {
    if (token_.kind == Token::Kind::kEnd)
      return std::unexpected(expression_error(token_.column, "the condition ends too early"));
    return std::unexpected(expression_error(token_.column, fmt::format("\"{}\" is not expected here", token_.text)));
  }
  Result<> expect(std::string_view symbol) {
    if (!is(symbol)) return unexpected_token();
    return advance();
  }
  static Node make(Node::Kind kind, std::string_view text, std::uint32_t column) {
    return {.kind = kind, .text = std::string(text), .literal = {}, .children = {}, .column = column};
  }
  static Node make_binary(std::string_view op, Node left, Node right, std::uint32_t column) {
    Node node = make(Node::Kind::kBinary, op, column);
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }

  Result<Node> expression(int minimum) {
    if (++depth_ > kMaxExpressionDepth)
      return std::unexpected(expression_error(token_.column, "the condition is nested too deeply"));
    auto left = unary();
    while (left && token_.kind == Token::Kind::kSymbol) {
      const auto precedence = precedence_of(kBinary, token_.text);
      if (!precedence || *precedence < minimum) break;
      left = binary(std::move(*left), *precedence);
    }
    while (left && minimum == 0 && is("?")) left = conditional(std::move(*left));
    --depth_;
    return left;
  }

  Result<Node> binary(Node left, int precedence) {
    Token op = token_;
    if (auto r = advance(); !r) return std::unexpected(r.error());
    if (is_order(op.text)) return chain(std::move(left), std::move(op), precedence);
    if (op.text == "not") {
      if (auto r = expect("in"); !r) return std::unexpected(r.error());
      op.text = "not in";
    }
    const bool right_associative = op.text == "**" || op.text == "^";
    auto right = expression(right_associative ? precedence : precedence + 1);
    if (!right) return right;
    return make_binary(op.text, std::move(left), std::move(*right), op.column);
  }

  /// a < b < c means a < b && b < c.
  Result<Node> chain(Node left, Token op, int precedence) {
    std::optional<Node> whole;
    while (true) {
      auto right = expression(precedence + 1);
      if (!right) return right;
      Node link = make_binary(op.text, std::move(left), *right, op.column);
      whole = whole ? make_binary("&&", std::move(*whole), std::move(link), op.column) : std::move(link);
      if (token_.kind != Token::Kind::kSymbol || !is_order(token_.text)) return std::move(*whole);
      left = std::move(*right);
      op = token_;
      if (auto r = advance(); !r) return std::unexpected(r.error());
    }
  }

  Result<Node> conditional(Node condition) {
    Node node = make(Node::Kind::kConditional, "?", token_.column);
    if (auto r = advance(); !r) return std::unexpected(r.error());
    auto yes = expression(0);
    if (!yes) return yes;
    if (auto r = expect(":"); !r) return std::unexpected(r.error());
    auto no = expression(0);
    if (!no) return no;
    node.children.push_back(std::move(condition));
    node.children.push_back(std::move(*yes));
    node.children.push_back(std::move(*no));
    return node;
  }

  Result<Node> unary() {
    if (token_.kind == Token::Kind::kSymbol) {
      if (const auto precedence = precedence_of(kUnary, token_.text)) {
        Node node = make(Node::Kind::kUnary, token_.text == "not" ? "!" : token_.text, token_.column);
        if (auto r = advance(); !r) return std::unexpected(r.error());
        auto operand = expression(*precedence);
        if (!operand) return operand;
        node.children.push_back(std::move(*operand));
        return postfix(std::move(node));
      }
    }
    auto node = primary();
    return node ? postfix(std::move(*node)) : node;
  }

  Result<Node> postfix(Node node) {
    while (is("[")) {
      Node index = make(Node::Kind::kIndex, "[", token_.column);
      if (auto r = advance(); !r) return std::unexpected(r.error());
      auto at = expression(0);
      if (!at) return at;
      if (is(":")) return std::unexpected(expression_error(token_.column, "slices are not supported in conditions"));
      if (auto r = expect("]"); !r) return std::unexpected(r.error());
      index.children.push_back(std::move(node));
      index.children.push_back(std::move(*at));
      node = std::move(index);
    }
    return node;
  }

  Result<Node> primary() {
    const Token token = token_;
    if (token.kind == Token::Kind::kEnd) return unexpected_token();
    if (auto r = advance(); !r) return std::unexpected(r.error());
    Node node = make(Node::Kind::kLiteral, {}, token.column);
    if (token.kind == Token::Kind::kString) {
      node.literal = Value(token.text);
      return node;
    }
    if (token.kind == Token::Kind::kNumber) return number(token);
    if (token.kind == Token::Kind::kName) return name(token);
    if (token.text == "(") {
      auto inner = expression(0);
      if (!inner) return inner;
      if (auto r = expect(")"); !r) return std::unexpected(r.error());
      return inner;
    }
    if (token.text == "[") return list(token);
    if (token.text == "#" && predicates_ > 0) {
      if (token_.kind == Token::Kind::kName || is("#"))
        return std::unexpected(expression_error(token_.column, "only # itself is supported in predicates"));
      node.kind = Node::Kind::kElement;
      return node;
    }
    return std::unexpected(expression_error(token.column, fmt::format("\"{}\" is not expected here", token.text)));
  }

  static Result<Node> number(const Token& token) {
    Node node = make(Node::Kind::kLiteral, {}, token.column);
    const char* first = token.text.data();
    const char* last = first + token.text.size();
    if (token.text.find_first_of(".eE") == std::string::npos) {
      std::int64_t integer = 0;
      if (std::from_chars(first, last, integer).ec != std::errc())
        return std::unexpected(expression_error(token.column, "this number is too large"));
      node.literal = Value(integer);
    } else {
      double real = 0;
      const auto [end, ec] = std::from_chars(first, last, real);
      if (ec != std::errc() || end != last)
        return std::unexpected(expression_error(token.column, "this is not a number"));
      node.literal = Value(real);
    }
    return node;
  }

  Result<Node> list(const Token& token) {
    Node node = make(Node::Kind::kList, "[", token.column);
    while (!is("]")) {
      if (!node.children.empty()) {
        if (auto r = expect(","); !r) return std::unexpected(r.error());
        if (is("]")) break;
      }
      auto item = expression(0);
      if (!item) return item;
      node.children.push_back(std::move(*item));
    }
    if (auto r = advance(); !r) return std::unexpected(r.error());
    return node;
  }

  Result<Node> name(const Token& token) {
    Node node = make(Node::Kind::kLiteral, {}, token.column);
    if (token.text == "true" || token.text == "false") {
      node.literal = Value(token.text == "true");
      return node;
    }
    if (token.text == "nil") return node;
    if (is("(")) return call(token);
    if (token.text == "result") {
      node.kind = Node::Kind::kResult;
      return node;
    }
    return std::unexpected(
        expression_error(token.column, fmt::format("\"{}\" is unknown here; a condition reads `result`", token.text)));
  }

  Result<Node> call(const Token& token) {
    const auto function = std::ranges::find(kFunctions, token.text, &Function::name);
    if (function == kFunctions.end())
      return std::unexpected(
          expression_error(token.column, fmt::format("the function {} is not supported in conditions", token.text)));
    Node node = make(function->predicate ? Node::Kind::kPredicate : Node::Kind::kCall, token.text, token.column);
    if (auto r = expect("("); !r) return std::unexpected(r.error());
    while (!is(")")) {
      if (!node.children.empty()) {
        if (auto r = expect(","); !r) return std::unexpected(r.error());
        if (is(")")) break;
      }
      auto argument = function->predicate && node.children.size() == 1 ? predicate() : expression(0);
      if (!argument) return argument;
      node.children.push_back(std::move(*argument));
    }
    if (auto r = advance(); !r) return std::unexpected(r.error());
    if (node.children.size() != function->arguments)
      return std::unexpected(expression_error(
          token.column,
          fmt::format("{} takes {} argument{}", token.text, function->arguments, function->arguments == 1 ? "" : "s")));
    if (token.text == "isNaN" || token.text == "isInf") literals_to_float(node.children[0]);
    return node;
  }

  Result<Node> predicate() {
    const bool braces = is("{");
    if (braces)
      if (auto r = advance(); !r) return std::unexpected(r.error());
    ++predicates_;
    auto node = expression(0);
    --predicates_;
    if (node && braces)
      if (auto r = expect("}"); !r) return std::unexpected(r.error());
    return node;
  }

  Lexer lexer_;
  Token token_;
  int depth_ = 0;
  int predicates_ = 0;
};

}  // namespace

Error expression_error(std::uint32_t column, std::string message) {
  return Error{.message = fmt::format("column {}: {}", column, message), .file = {}, .line = 0, .column = column};
}

Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kMaxExpressionLength) return fail("the condition is longer than {} bytes", kMaxExpressionLength);
  auto root = Parser(text).parse();
  if (!root) return std::unexpected(root.error());
  return Expression(std::make_shared<const ExpressionNode>(std::move(*root)));
}

}  // namespace fairlead::control
