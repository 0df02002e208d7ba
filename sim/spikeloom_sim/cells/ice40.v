// Block RAM of the iCE40 whose reads are X where they meet a write: Yosys takes them for undefined
// when it maps memories, but its own model gives what was there before.

// 256 words of 16 bits, or of every second, fourth or eighth of them by the bits of the address
// above the eighth; each port has a mode of its own.
module SB_RAM40_4K(
  output reg [15:0] RDATA,
  input RCLK, RCLKE, RE,
  input [10:0] RADDR,
  input WCLK, WCLKE, WE,
  input [10:0] WADDR,
  input [15:0] MASK, WDATA
);
  parameter WRITE_MODE = 0;
  parameter READ_MODE = 0;
  parameter INIT_0 = 256'h0;
  parameter INIT_1 = 256'h0;
  parameter INIT_2 = 256'h0;
  parameter INIT_3 = 256'h0;
  parameter INIT_4 = 256'h0;
  parameter INIT_5 = 256'h0;
  parameter INIT_6 = 256'h0;
  parameter INIT_7 = 256'h0;
  parameter INIT_8 = 256'h0;
  parameter INIT_9 = 256'h0;
  parameter INIT_A = 256'h0;
  parameter INIT_B = 256'h0;
  parameter INIT_C = 256'h0;
  parameter INIT_D = 256'h0;
  parameter INIT_E = 256'h0;
  parameter INIT_F = 256'h0;

  localparam [4095:0] INITIAL = {
    INIT_F, INIT_E, INIT_D, INIT_C, INIT_B, INIT_A, INIT_9, INIT_8,
    INIT_7, INIT_6, INIT_5, INIT_4, INIT_3, INIT_2, INIT_1, INIT_0
  };
  // Bits that share a pin, and the pin among them.
  localparam WRITE_SHARE = 1 << WRITE_MODE;
  localparam READ_SHARE = 1 << READ_MODE;
  localparam WRITE_PIN = WRITE_MODE == 3 ? 3 : WRITE_MODE == 2 ? 1 : 0;
  localparam READ_PIN = READ_MODE == 3 ? 3 : READ_MODE == 2 ? 1 : 0;

  reg [15:0] memory [0:255];
  integer n;
  initial begin
    for (n = 0; n < 256; n = n + 1) memory[n] = INITIAL[16 * n +: 16];
    RDATA = 16'b0;
  end

  wire [15:0] data, bits;
  genvar k;
  generate
    for (k = 0; k < 16; k = k + 1) begin : bit_of_word
      assign data[k] = WDATA[k - k % WRITE_SHARE + WRITE_PIN];
      assign bits[k] = WRITE_MODE == 0 ? ~MASK[k] : WADDR[10:8] % WRITE_SHARE == k % WRITE_SHARE;
    end
  endgenerate
  wire writes = WE & WCLKE;
  always @(posedge WCLK)
    if (writes) memory[WADDR[7:0]] <= (bits & data) | (~bits & memory[WADDR[7:0]]);

  reg [15:0] word;
  integer i;
  always @(posedge RCLK)
    if (RE & RCLKE) begin
      word = memory[RADDR[7:0]];
      if (writes && WADDR[7:0] === RADDR[7:0]) word = word ^ (16'bx & bits);
      if (READ_MODE == 0) RDATA <= word;
      else begin
        RDATA <= 16'b0;
        for (i = 0; i < 16; i = i + READ_SHARE)
          RDATA[i + READ_PIN] <= word[i + RADDR[10:8] % READ_SHARE];
      end
    end
endmodule
