# Starts a mail for every order, and forgets about it.
#
# With "fixed" a thread waits for each, as the doctor advises.
fixed = ARGV.include?("fixed")
$stdout.sync = true

class Mailer
  def initialize(fixed)
    @fixed = fixed
  end

  def send_mail(order)
    pid = spawn("sh", "-c", "exit 0", "order-#{order}")
    Process.detach(pid) if @fixed
  end
end

mailer = Mailer.new(fixed)
(0..).each do |n|
  mailer.send_mail(n)
  sleep 0.25
  puts "settled" if n == 20
end
